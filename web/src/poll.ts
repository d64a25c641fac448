// Looking again every few seconds, while somebody looks at the page.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ServerFault } from "./client";

export interface Polled<T> {
  data: T | undefined;
  fault: ServerFault | undefined;
  readAt: number | undefined; // of this machine's own clock: when `data` was asked for
  isLate: boolean; // an answer has been waited for longer than people expect
  reload: () => Promise<void>;
}

const LATE_MS = 4000;

const asFault = (error: unknown): ServerFault =>
  error instanceof ServerFault ? error : new ServerFault(-1, [error instanceof Error ? error.message : String(error)]);

/** `key` names what is looked at: when it changes, the old is forgotten. `always`: also while nobody looks at this tab. */
export function usePoll<T>(key: string, fetcher: () => Promise<T>, everyMs = 2500, always = false): Polled<T> {
  const [state, setState] = useState<{ key: string; data?: T; fault?: ServerFault; readAt?: number; isLate?: boolean }>({ key });
  const latest = useRef({ key, fetcher });
  latest.current.key = key;
  latest.current.fetcher = fetcher;

  const reload = useCallback(async () => {
    const asked = latest.current.key, readAt = performance.now();
    const late = window.setTimeout(() => setState((old) => (old.key === asked ? { ...old, isLate: true } : old)), LATE_MS);
    try {
      const data = await latest.current.fetcher();
      if (latest.current.key === asked) setState({ key: asked, data, readAt });
    } catch (error) {
      if (latest.current.key === asked) setState((old) => ({ key: asked, ...(old.key === asked ? { data: old.data, readAt: old.readAt } : {}), fault: asFault(error) }));
    } finally {
      clearTimeout(late);
    }
  }, []);

  useEffect(() => {
    let stopped = false;
    let timer = 0;
    const turn = async () => {
      if (always || !document.hidden) await reload();
      if (!stopped) timer = window.setTimeout(turn, everyMs);
    };
    const onVisible = () => {
      if (!document.hidden) void reload();
    };
    document.addEventListener("visibilitychange", onVisible);
    void turn();
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [key, everyMs, always, reload]);

  const now = state.key === key ? state : { key };
  return { data: now.data, fault: now.fault, readAt: now.readAt, isLate: now.isLate === true, reload };
}

/** One action at a time: busy while it runs, its fault kept until the next. */
export function useAction(): { busy: boolean; fault: ServerFault | undefined; clear: () => void; run: (action: () => Promise<void>) => Promise<boolean> } {
  const [state, setState] = useState<{ busy: boolean; fault?: ServerFault }>({ busy: false });
  const running = useRef(false);
  const run = useCallback(async (action: () => Promise<void>) => {
    if (running.current) return false;
    running.current = true;
    setState({ busy: true });
    try {
      await action();
      setState({ busy: false });
      return true;
    } catch (error) {
      setState({ busy: false, fault: asFault(error) });
      return false;
    } finally {
      running.current = false;
    }
  }, []);
  return { busy: state.busy, fault: state.fault, clear: () => setState({ busy: false }), run };
}
