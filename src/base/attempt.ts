/** Does it now, and tells what came of it when the result is called: for work that is done beside something whose failure counts first. */
export function attempt<R>(act: () => R): () => R {
  try {
    const result = act();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
