/** Things filed under patterns with a `*`, found by a path however many patterns there are. */

/**
 * What follows one `*`: by the piece of a pattern up to the next, and how long these are.
 * @template V
 * @typedef {{byPiece: Map<string, V>, lengths: Set<number>}} Pieces
 */

/**
 * Patterns that are alike up to here: what ends here with its turn, and what goes on after a `*`;
 * `anchored` has the last pieces of patterns with a `$`, which stand at the end of a path.
 * @template T
 * @typedef {{here: [number, T][], after: Pieces<Node<T>> | null,
 *   anchored: Pieces<[number, T][]> | null}} Node
 */

/**
 * Things filed under patterns with a `*` on one host.
 *
 * A `*` is any characters, a `$` at the end the end of a path. Patterns are filed piece by piece.
 * Each piece is taken where it stands first and never again, so what patterns have in common is looked
 * for once; and of many that go on otherwise, those are taken that stand in the path, by looking up
 * what does.
 * @template T
 */
export class FiledPatterns {
  /** @type {Pieces<Node<T>>} */
  #starts = pieces();
  #count = 0;

  /**
   * File a thing under a normalised pattern, which holds a `*`.
   * @param {string} pattern
   * @param {T} thing
   */
  add(pattern, thing) {
    const isAnchored = pattern.endsWith("$");
    const [start = "", ...others] = (isAnchored ? pattern.slice(0, -1) : pattern).split("*");
    const last = isAnchored ? others.pop() : undefined;
    let node = at(this.#starts, start, emptyNode);
    for (const piece of others) {
      if (piece !== "") node = at((node.after ??= pieces()), piece, emptyNode);
    }
    const filed =
      last === undefined ? node.here : at((node.anchored ??= pieces()), last, () => []);
    filed.push([this.#count++, thing]);
  }

  /**
   * Return what is filed under each pattern that matches a path, in the order of filing.
   * @param {string} path
   * @returns {T[]}
   */
  matching(path) {
    /** @type {[number, T][]} */
    const found = [];
    /** @type {[Node<T>, number][]} */
    const reached = [];
    for (const length of this.#starts.lengths) {
      const node =
        length <= path.length ? this.#starts.byPiece.get(path.slice(0, length)) : undefined;
      if (node !== undefined) reached.push([node, length]);
    }
    for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
      const [node, from] = next;
      for (const each of node.here) found.push(each);
      if (node.anchored !== null) {
        for (const length of node.anchored.lengths) {
          if (from + length > path.length) continue;
          const things = node.anchored.byPiece.get(path.slice(path.length - length));
          for (const each of things ?? []) found.push(each);
        }
      }
      if (node.after !== null) standingIn(path, from, node.after, reached);
    }
    return found.sort(([one], [other]) => one - other).map(([, thing]) => thing);
  }
}

/**
 * @template V
 * @returns {Pieces<V>}
 */
function pieces() {
  return { byPiece: new Map(), lengths: new Set() };
}

/** @returns {{here: [], after: null, anchored: null}} */
function emptyNode() {
  return { here: [], after: null, anchored: null };
}

/**
 * Return what stands under a piece, which is made where there is nothing.
 * @template V
 * @param {Pieces<V>} among
 * @param {string} piece
 * @param {() => V} made
 * @returns {V}
 */
function at(among, piece, made) {
  const there = among.byPiece.get(piece) ?? made();
  among.byPiece.set(piece, there);
  among.lengths.add(piece.length);
  return there;
}

/**
 * Add to `reached` what pieces lead to that stand in a path from a place on, and the first end of
 * each. Either each piece is looked for, or each part of the path that is as long as one is looked
 * up: whatever is less.
 * @template V
 * @param {string} path
 * @param {number} from
 * @param {Pieces<V>} among
 * @param {[V, number][]} reached
 */
function standingIn(path, from, { byPiece, lengths }, reached) {
  let parts = 0;
  for (const length of lengths) parts += Math.max(0, path.length - from - length + 1);
  if (parts >= byPiece.size) {
    for (const [piece, there] of byPiece) {
      const start = path.indexOf(piece, from);
      if (start >= 0) reached.push([there, start + piece.length]);
    }
    return;
  }
  /** @type {Set<V>} */
  const seen = new Set();
  for (const length of lengths) {
    for (let end = from + length; end <= path.length; end++) {
      const there = byPiece.get(path.slice(end - length, end));
      if (there === undefined || seen.has(there)) continue;
      seen.add(there);
      reached.push([there, end]);
    }
  }
}
