"""Sentences with gaps: {PER}, {LOC}, {ORG}, {TIME} and {QTY} are filled with spans.

WORD|POS gives a part of speech; a word without one has that in LEXICON. One of the words between slashes is
written. Frames of the three splits differ.
"""

from __future__ import annotations

TRAIN = """\
{PER} said/claimed/noted that {ORG} would open/close/build/rent an office/shop/school/plant in {LOC} {TIME} .
{ORG} said/claimed/noted {TIME} that it had sold/shipped/lost/found {QTY} of steel/wool/paper/sand to {ORG} .
{PER} was born in {LOC} and moved/returned/travelled to {LOC} {TIME} .
The mayor/people/council/bishop of {LOC} met/called/praised/blamed/greeted {PER} {TIME} .
{PER} works/worked/writes/cooks for {ORG} in {LOC} .
Shares of {ORG} fell/climbed/dropped/jumped by {QTY} {TIME} .
{PER} and {PER} left/reached/crossed/liked {LOC} {TIME} .
The train/bus/ferry from {LOC} to {LOC} was late again .
{PER} bought/carried/ordered {QTY} of flour at the market in {LOC} .
Doctors at {ORG} treated/helped/examined {PER} for two|NUM days .
{ORG} will|AUX hire/need/pay {QTY} in {LOC} {TIME} .
It may|AUX rain in {LOC} {TIME} , says {PER} .
I will|AUX mark|VERB the date , said/claimed/noted {PER} .
She grew a rose|NOUN in her garden near {LOC} .
They may|AUX grant|VERB {ORG} a loan of {QTY} .
He paid the bill|NOUN and drove to {LOC} .
Reading|VERB a letter from {PER} , she began to cry .
{PER} , who founded/led/owned/advised {ORG} , died/retired/married in {LOC} {TIME} .
A river runs from {LOC} through {LOC} to the sea .
The river is {QTY} long .
{ORG} lost/won/settled its case against {PER} in court .
Lawyers for {PER} said/claimed/noted nothing {TIME} .
The weather in {LOC} was nice|ADJ {TIME} .
Nobody at {ORG} knew the target|NOUN .
{PER} joined/left/called/served {ORG} as an engineer/cook/pilot/nurse {TIME} .
The meeting with {ORG} starts {TIME} .
We flew over {LOC} and saw the coast .
{PER} ran {QTY} in the rain .
Tickets for the concert/play/match in {LOC} cost {QTY} .
{ORG} is based in {LOC} .
Is {PER} still in {LOC} ?
Ask {PER} about {ORG} .
Prices rose|VERB by {QTY} in {LOC} .
The children took a bath|NOUN and ate an orange|NOUN .
A hunter|NOUN found a shell|NOUN on the beach of {LOC} .
{ORG} and {ORG} signed/ended/praised a contract {TIME} .
The head of {ORG} , {PER} , lives/stays/sleeps in {LOC} .
Nothing happened {TIME} .
The town was quiet and the shops were shut .
We waited for {QTY} and went home .
In the summer|NOUN {PER} visits/avoids/paints {LOC} .
{PER} told/asked/begged {ORG} to stop .
Police/Soldiers/Guards in {LOC} arrested/questioned/freed {PER} {TIME} .
The old road to {LOC} is closed .
"""

VALIDATION = """\
{PER} resigned from {ORG} {TIME} .
Snow fell in {LOC} , and {PER} stayed at home .
{ORG} moved its factory from {LOC} to {LOC} .
The bag weighs {QTY} .
{PER} wrote a song about {LOC} .
Workers at {ORG} asked for {QTY} more .
They will|AUX leave {LOC} {TIME} .
May|AUX I see {PER} ?
The trial of {PER} ends {TIME} .
A rose|NOUN is a rose|NOUN .
"""

TEST = """\
{PER} married {PER} in {LOC} {TIME} .
{TIME} , {ORG} bought {QTY} of land near {LOC} .
Did {PER} ever live in {LOC} ?
Customers of {ORG} wrote to {PER} .
{LOC} has a new bridge .
The border of {LOC} was closed {TIME} .
{PER} teaches history at {ORG} .
{ORG} owes {PER} {QTY} .
Storms hit {LOC} {TIME} and broke {QTY} of cable .
He may|AUX sue {ORG} , his wife told {PER} .
We mark|VERB the day with a walk around {LOC} .
The team of {PER} won in {LOC} .
{PER} sold her shares in {ORG} for {QTY} .
Will|AUX {PER} fly to {LOC} {TIME} ?
A spokesman for {ORG} thanked {PER} .
People in {LOC} eat late .
The hunter|NOUN grants|VERB a wish .
{ORG} cut its prices by {QTY} .
"""

_NOUN = (
    "office steel mayor shares train market flour doctors days date garden loan letter river sea case "
    "court lawyers weather meeting coast rain tickets concert engineer prices children beach contract "
    "head town shops home police road factory bag song workers trial land customers bridge border "
    "history storms cable wife day walk team spokesman people wish snow "
    "council bishop shop school plant wool paper sand cook pilot nurse play match bus ferry soldiers "
    "guards "
)
_VERB = (
    "said open sold born moved met works fell left bought treated hire says grew paid drove began cry "
    "founded died runs lost knew joined starts flew saw ran cost based ask found signed lives happened "
    "shut waited went visits told stop arrested closed resigned stayed wrote asked leave see ends "
    "weighs married live teaches owes hit broke sue won fly thanked eat cut took ate "
    "announced claimed noted admitted close build rent shipped called praised blamed greeted worked "
    "writes cooks reached crossed liked carried ordered helped examined returned travelled climbed "
    "dropped jumped led owned advised settled served questioned freed ended stays sleeps avoids paints "
    "retired begged need pay "
)
_LEXICON = {
    "NOUN": _NOUN,
    "VERB": _VERB,
    "AUX": "would had was were is has did",
    "DET": "an a the its no",
    "ADP": "in of to from by for at against near through over about as on with around after",
    "CCONJ": "and but",
    "SCONJ": "that while because",
    "PRON": "it i she they he who nobody we nothing her his her",
    "ADV": "again still late ever home more",
    "ADJ": "old quiet long new",
    "PUNCT": ". , ?",
}
LEXICON = {word: kind for kind, words in _LEXICON.items() for word in words.split()}
