// The part of the recorder that runs beside the page: it hands the first channel on, a twentieth of a second at a time.

class PfRecorder extends AudioWorkletProcessor {
  chunk = new Float32Array(Math.round(sampleRate / 20));
  filled = 0;

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    for (const sample of samples) {
      this.chunk[this.filled] = sample;
      this.filled += 1;
      if (this.filled === this.chunk.length) {
        this.port.postMessage(this.chunk.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("pf-recorder", PfRecorder);
