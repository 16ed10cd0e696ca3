// Sound from the microphone and from files, as samples of one channel.

/** Call take(packet) for each packet of the microphone; return a function that stops it. */
export async function microphone(rate, size, take) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("No microphone: browsers give it to pages by https or from this machine only.");
  }
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const context = new AudioContext({ sampleRate: rate });
  const stop = async () => {
    stream.getTracks().forEach((track) => track.stop());
    if (context.state !== "closed") await context.close();
  };
  try {
    await context.audioWorklet.addModule(new URL("packets-worklet.js", import.meta.url));
    const sender = new AudioWorkletNode(context, "sender", {
      numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit", processorOptions: { size },
    });
    sender.port.onmessage = ({ data }) => take(data);
    context.createMediaStreamSource(stream).connect(sender);
    await context.resume();
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Return the samples of a sound file at a rate, the mean of its channels. */
export async function samplesOf(file, rate) {
  const context = new OfflineAudioContext(1, 1, rate);
  let sound;
  try {
    sound = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name}: expected a sound file that this browser reads, such as WAV or MP3`);
  }
  const mean = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    sound.getChannelData(channel).forEach((sample, i) => (mean[i] += sample / sound.numberOfChannels));
  }
  return mean;
}
