"""Tasks with a known answer: does a cell learn what the field says it learns?"""
