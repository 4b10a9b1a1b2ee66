// What one view fetches for itself, kept fresh: fetched again when an event concerns it and
// whenever the live connection was lost in between.
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { listen } from './live.js';
import { loginNeeded } from './api.js';

const GATHER_MS = 250;

/**
 * `load(abortSignal)` fetches; `key` is what it depends on; `concerns(type, data)` tells whether an
 * event makes the answer stale. Returns a signal of `{data, error}`; `data` stays while a later
 * fetch fails, so that a lost connection does not empty the page.
 */
export function useResource(load, key, concerns = () => false) {
  const state = useSignal({ data: null, error: null, reload: () => {} });
  const latest = useRef({});
  latest.current = { load, concerns };
  useEffect(() => {
    const abort = new AbortController();
    let timer = null;
    const go = async () => {
      timer = null;
      try {
        const data = await latest.current.load(abort.signal);
        if (!abort.signal.aborted) state.value = { data, error: null, reload: go };
      } catch (error) {
        if (!abort.signal.aborted) state.value = { ...state.value, error };
      }
    };
    const soon = () => {
      timer ??= setTimeout(go, GATHER_MS);
    };
    state.value = { data: null, error: null, reload: go };
    const stop = listen((type, data) => {
      if (type === 'refetch' || latest.current.concerns(type, data)) soon();
    });
    const stopLogin = loginNeeded.subscribe((needed) => {
      if (!needed) soon();
    });
    clearTimeout(timer);
    go();
    return () => {
      abort.abort();
      clearTimeout(timer);
      stop();
      stopLogin();
    };
  }, [key]);
  return state;
}
