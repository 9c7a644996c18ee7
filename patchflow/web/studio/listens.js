// What an element listens to beside itself, for as long as it is on the page.

/** Listens to a target, such as the session or the window, from when its element comes onto the page until it goes. */
export class Listens {
  /** `handlers`: by the name of the event. */
  constructor(element, target, handlers) {
    this.target = target;
    this.handlers = Object.entries(handlers);
    element.addController(this);
  }

  hostConnected() {
    for (const [name, handler] of this.handlers) this.target.addEventListener(name, handler);
  }

  hostDisconnected() {
    for (const [name, handler] of this.handlers) this.target.removeEventListener(name, handler);
  }
}
