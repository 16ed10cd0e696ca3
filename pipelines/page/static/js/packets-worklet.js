// Runs in the thread of the sound: sends the microphone's samples in packets.
class Sender extends AudioWorkletProcessor {
  constructor({ processorOptions: { size } }) {
    super();
    this.packet = new Float32Array(size);
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.packet[this.filled] = sample;
      this.filled += 1;
      if (this.filled === this.packet.length) {
        this.port.postMessage(this.packet);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("sender", Sender);
