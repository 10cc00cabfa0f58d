// The story of one chapter: its beats, each a position of the timeline with a sentence.

const BEFORE = 500; // milliseconds until one begins to read
const WORD = 160; // and to read a word

export class Story {
  /** `landmarkOf` tells which landmark a call belongs to. */
  constructor(timeline, beats, landmarkOf) {
    this.timeline = timeline;
    this.beats = beats.map((beat) => ({
      ...beat,
      position: (beat.ended ? timeline.ends : timeline.begins)[beat.call],
    }));
    this.landmarkOf = landmarkOf;
    this.first = new Map(); // of each landmark, the first beat's position
    for (const { call, position } of this.beats) {
      const landmark = landmarkOf(call);
      if (!this.first.has(landmark)) this.first.set(landmark, position);
    }
    this.earliest = new Map(); // of each landmark, where its first call begins
    timeline.events.forEach((event, n) => {
      const landmark = landmarkOf(event >> 1);
      if (!this.earliest.has(landmark)) this.earliest.set(landmark, n + 1);
    });
  }

  get length() {
    return this.beats.length;
  }

  /** How many beats have been told at a position. */
  told(position) {
    return this.beats.findLastIndex((beat) => beat.position <= position) + 1;
  }

  /** The beat that is at a position, if there is one. */
  at(position) {
    const last = this.beats[this.told(position) - 1];
    return last?.position === position ? last : undefined;
  }

  /** The next beat in a direction (1 or -1), if there is one. */
  next(position, direction) {
    if (direction > 0) return this.beats[this.told(position)];
    return this.beats[this.told(position - 1) - 1];
  }

  /** Where a position is in the story, in words. */
  where(position) {
    const told = this.told(position);
    if (!told) return `${this.length} ${this.length === 1 ? "beat" : "beats"}`;
    return `${this.at(position) ? "" : "after "}beat ${told} of ${this.length}`;
  }

  /** Whether what a position is about has not been in the story before. */
  isNew(position) {
    const landmark = this.landmarkOf(this.timeline.at(position).id);
    return (this.at(position) ? this.first : this.earliest).get(landmark) === position;
  }
}

/** A sentence as plain text. */
export function textOf(says) {
  return says.map((phrase) => (typeof phrase === "string" ? phrase : phrase[0])).join("");
}

/** How many milliseconds it takes to read a sentence. */
export function readingTime(says) {
  return BEFORE + WORD * textOf(says).split(/\s+/).filter(Boolean).length;
}
