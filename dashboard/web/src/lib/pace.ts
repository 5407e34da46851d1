// A map that is drawn too slowly to be watched while it moves is drawn with
// fewer pixels until it rests: without a graphics card drawing is what takes the time.
import type { Map as GLMap } from 'maplibre-gl';

const SLOW_MS = 36; // between frames; 25 a second are 40
const IN_A_ROW = 2; // slow frames, before there are fewer pixels
const FAR_MS = 4 * SLOW_MS; // a frame later than this tells that the last step is needed
const AGAIN_MS = 20_000; // without moving, then one step finer is tried again
const REST_MS = 150; // after a move, before the picture is fine again

/** Shares of the pixels each way, one after the other. */
export const STEPS = [1, 0.6, 0.4] as const;

/** Which step of `STEPS` to draw at, by when frames came. Times are milliseconds. */
export class Pace {
  #last = -Infinity;
  #slow = 0;
  #step: number;
  #finest: number;

  /** `finest` is the step that moves begin at. */
  constructor(finest = 0) {
    this.#step = this.#finest = finest;
  }

  /** A move begins: as coarse as the last one ended, unless that is long ago. */
  begin(now: number): number {
    if (now - this.#last > AGAIN_MS) this.#step = Math.max(this.#finest, this.#step - 1);
    this.#last = now;
    this.#slow = 0;
    return this.#step;
  }

  /** A frame of the move comes. */
  frame(now: number): number {
    const took = now - this.#last;
    this.#last = now;
    this.#slow = took > SLOW_MS ? this.#slow + 1 : 0;
    if (took > FAR_MS) this.#step = STEPS.length - 1;
    else if (this.#slow >= IN_A_ROW) {
      this.#step = Math.min(this.#step + 1, STEPS.length - 1);
      this.#slow = 0;
    }
    return this.#step;
  }
}

/** Whether the browser says that it draws without a graphics card. */
function bySoftware(gl: WebGL2RenderingContext | WebGLRenderingContext): boolean {
  const told = gl.getExtension('WEBGL_debug_renderer_info');
  return told !== null && /swiftshader|llvmpipe|software|basic render/i.test(String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
}

/** Keeps a map's moves watchable; ends with the map. */
export function keepPace(map: GLMap): void {
  const pace = new Pace(bySoftware(map.painter.context.gl) ? 1 : 0);
  let drawn = 0; // step
  let rest: ReturnType<typeof setTimeout> | undefined;
  const draw = (step: number): void => {
    if (step === drawn) return;
    drawn = step;
    // Not by setPixelRatio, which ends the drag that it is called in.
    const { clientWidth: width, clientHeight: height } = map.getContainer();
    const ratio = map.getPixelRatio() * (STEPS[step] ?? 1);
    const canvas = map.getCanvas();
    canvas.width = Math.floor(width * ratio);
    canvas.height = Math.floor(height * ratio);
    map.painter.resize(width, height, ratio);
  };
  map.on('movestart', () => {
    clearTimeout(rest);
    pace.begin(performance.now());
  });
  map.on('move', () => draw(pace.frame(performance.now()))); // before the frame is drawn
  map.on('resize', () => (drawn = 0)); // MapLibre has made the canvas anew
  map.on('moveend', () => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      draw(0);
      map.triggerRepaint();
    }, REST_MS);
  });
  map.on('remove', () => clearTimeout(rest));
}
