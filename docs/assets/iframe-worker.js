// A page that is opened from the disk may start no worker, and the search runs in one. In that case
// the worker's script runs in a hidden frame, and the two pass messages to each other.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      this.frame = frame;
      this.waiting = []; // messages from before the script was there
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.send(this, data);
      inside.importScripts = (...addresses) => addresses.forEach((each) => this.load(each));
      this.load(address, () => {
        const waiting = this.waiting;
        this.waiting = null;
        for (const data of waiting) this.postMessage(data);
      });
    }

    load(address, then) {
      const script = this.frame.contentDocument.createElement("script");
      script.src = address;
      script.onload = then;
      script.onerror = () => this.onerror?.(new ErrorEvent("error", { message: address }));
      this.frame.contentDocument.body.append(script);
    }

    send(whom, data) {
      // A copy, as between threads: either side changes what it has got.
      const message = new MessageEvent("message", { data: structuredClone(data) });
      setTimeout(() => {
        whom.dispatchEvent(message);
        if (whom === this) this.onmessage?.(message);
      });
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(structuredClone(data));
      else if (this.frame.contentWindow) this.send(this.frame.contentWindow, data);
    }

    terminate() {
      this.frame.remove();
    }
  };
}
