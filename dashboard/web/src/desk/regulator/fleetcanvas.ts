// Vehicles drawn on a canvas over the map: thousands of them cost no drawing of
// the map itself, and glide from report to report.
import type { LonLat } from '../../lib/types.ts';
import { still } from './deskmap.ts';
import { Glides, ORDER, STATES, stateOf, type Shape, type VehicleState } from './fleet.ts';
import type { VehicleBrief } from './facts.ts';

const SIZE = 5; // CSS pixels from the middle to the edge

export class FleetCanvas {
  #canvas: HTMLCanvasElement;
  #project: (at: LonLat) => [number, number];
  #glides = new Glides();
  #states = new Map<string, VehicleState>();
  #chosen: string | null = null;
  #colours = new Map<string, string>();
  #frame = 0;
  #observer: ResizeObserver;

  constructor(canvas: HTMLCanvasElement, project: (at: LonLat) => [number, number]) {
    this.#canvas = canvas;
    this.#project = project;
    const style = getComputedStyle(document.documentElement);
    for (const { token } of Object.values(STATES)) this.#colours.set(token, style.getPropertyValue(`--${token}`).trim());
    this.#colours.set('edge', style.getPropertyValue('--bg').trim());
    this.#colours.set('ink', style.getPropertyValue('--ink').trim());
    this.#observer = new ResizeObserver(() => this.draw());
    this.#observer.observe(canvas);
  }

  show(vehicles: ReadonlyMap<string, VehicleBrief>, chosen: string | null): void {
    const now = performance.now();
    this.#glides.keep(vehicles);
    for (const vin of this.#states.keys()) if (!vehicles.has(vin)) this.#states.delete(vin);
    for (const [vin, v] of vehicles) {
      if (v.lon === null || v.lat === null) continue;
      this.#glides.set(vin, [v.lon, v.lat], still() ? now - 60_000 : now);
      this.#states.set(vin, stateOf(v));
    }
    this.#chosen = chosen;
    this.draw();
  }

  /** Draws on the next frame, and goes on while anything moves. */
  draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
      if (this.#glides.moving(performance.now())) this.draw();
    });
  }

  /** The vehicle drawn nearest to a point of the canvas, within `reach` CSS pixels. */
  at([x, y]: [number, number], reach = 14): string | null {
    let best: string | null = null;
    const now = performance.now();
    for (const vin of this.#states.keys()) {
      const place = this.#glides.at(vin, now);
      if (!place) continue;
      const [px, py] = this.#project(place);
      const d = Math.hypot(px - x, py - y);
      if (d < reach) [best, reach] = [vin, d];
    }
    return best;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
  }

  #paint(): void {
    const ratio = Math.min(2, devicePixelRatio);
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (this.#canvas.width !== width * ratio || this.#canvas.height !== height * ratio) {
      [this.#canvas.width, this.#canvas.height] = [width * ratio, height * ratio];
    }
    const pen = this.#canvas.getContext('2d');
    if (!pen) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.lineWidth = 1;
    const now = performance.now();
    for (const state of ORDER.toReversed()) { // the gravest last, on top
      const { token, shape } = STATES[state];
      pen.beginPath();
      for (const [vin, its] of this.#states) {
        if (its !== state) continue;
        const place = this.#glides.at(vin, now);
        if (!place) continue;
        const [x, y] = this.#project(place);
        if (x < -SIZE || y < -SIZE || x > width + SIZE || y > height + SIZE) continue;
        outline(pen, shape, x, y);
        if (vin === this.#chosen) this.#ring(x, y);
      }
      const colour = this.#colours.get(token) ?? '#888888';
      if (shape === 'ring' || shape === 'cross') {
        pen.strokeStyle = colour;
        pen.lineWidth = shape === 'cross' ? 3 : 1.5;
        pen.stroke();
      } else {
        pen.lineWidth = 2; // the edge lies below, so that vehicles of one place run together
        pen.strokeStyle = this.#colours.get('edge') ?? '#ffffff';
        pen.stroke();
        pen.fillStyle = colour;
        pen.fill();
      }
    }
    if (this.#mark) {
      pen.beginPath();
      pen.arc(this.#mark[0], this.#mark[1], 13, 0, 7);
      pen.lineWidth = 3;
      pen.strokeStyle = this.#colours.get('ink') ?? '#000000';
      pen.stroke();
      this.#mark = null;
    }
  }

  #mark: [number, number] | null = null;

  #ring(x: number, y: number): void {
    this.#mark = [x, y];
  }
}

function outline(pen: CanvasRenderingContext2D, shape: Shape, x: number, y: number): void {
  if (shape === 'square') pen.rect(x - SIZE + 0.5, y - SIZE + 0.5, 2 * SIZE - 1, 2 * SIZE - 1);
  else if (shape === 'triangle') {
    pen.moveTo(x, y - SIZE - 1);
    pen.lineTo(x + SIZE, y + SIZE - 1);
    pen.lineTo(x - SIZE, y + SIZE - 1);
    pen.closePath();
  } else if (shape === 'cross') {
    pen.moveTo(x - SIZE, y - SIZE);
    pen.lineTo(x + SIZE, y + SIZE);
    pen.moveTo(x + SIZE, y - SIZE);
    pen.lineTo(x - SIZE, y + SIZE);
  } else {
    pen.moveTo(x + SIZE - 1, y);
    pen.arc(x, y, SIZE - 1, 0, 7);
  }
}
