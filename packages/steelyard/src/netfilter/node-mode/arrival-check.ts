/** Tells when connections that the kernel hands over do not arrive. */
export interface ArrivalCheck {
  /**
   * @param handed connections of pods that the rules have sent to listeners
   * @param accepted connections that listeners have accepted
   * @returns true when several were handed over since one was last accepted, as seen at this look and the one before: those
   *   that were on their way then would have arrived by now. A caller's repeated SYN counts again.
   */
  isBlocked(handed: number, accepted: number): boolean;
}

const SEVERAL = 3;

export function createArrivalCheck(): ArrivalCheck {
  let handedThen = 0;
  let acceptedThen = 0;
  let wasMissing = false;
  return {
    isBlocked(handed, accepted) {
      // Fewer than before: the table was written anew.
      if (accepted !== acceptedThen || handed < handedThen) {
        acceptedThen = accepted;
        handedThen = handed;
        wasMissing = false;
        return false;
      }
      const isMissing = handed - handedThen >= SEVERAL;
      const isBlocked = isMissing && wasMissing;
      wasMissing = isMissing;
      return isBlocked;
    },
  };
}
