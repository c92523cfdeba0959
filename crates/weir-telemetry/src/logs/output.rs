//! Where lines go: a buffer, and a thread that empties it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{LogError, LogOutput};

/// Bytes of lines that may wait to be written. What comes on top is left out and counted.
const MAX_WAITING: usize = 8 << 20;

/// How long the end of the process may wait for an output that takes nothing.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Takes lines. Clones share the buffer.
#[derive(Debug, Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Rings when lines came in, or when the end has come.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: String,
    /// Lines left out since the last write.
    lost: u64,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    /// Hands over a line, its line break included. Never waits for the output.
    pub(super) fn write(&self, line: &str) {
        let mut waiting = self.shared.lock();
        if waiting.ended || waiting.lines.len() + line.len() > MAX_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.lines.push_str(line);
        drop(waiting);
        self.shared.changed.notify_one();
    }
}

/// Keeps the outputs going. Dropping it writes what is left, for two seconds at most, and ends them.
#[derive(Debug)]
pub(super) struct Writing {
    shared: Arc<Shared>,
    /// Disconnected by the writer when it has written everything.
    written: Receiver<()>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        // Nothing is ever sent: the answer is the disconnection, or that time is up.
        let _ = self.written.recv_timeout(LAST_WAIT);
    }
}

/// Opens the outputs and starts the thread that writes to them. What goes wrong then is told to `error_outputs`.
pub(super) fn open(
    outputs: &[LogOutput],
    error_outputs: &[LogOutput],
) -> Result<(Output, Writing), LogError> {
    let open = |outputs: &[LogOutput]| outputs.iter().map(Sink::open).collect::<Result<Vec<_>, _>>();
    let (mut sinks, mut error_sinks) = (open(outputs)?, open(error_outputs)?);
    let shared = Arc::new(Shared::default());
    let reading = Arc::clone(&shared);
    let (done, written): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    let write = move || {
        let _done = done;
        write_all(&reading, &mut sinks, &mut error_sinks);
    };
    thread::Builder::new()
        .name("weir-logs".to_owned())
        .spawn(write)
        .map_err(LogError::Thread)?;
    Ok((
        Output {
            shared: Arc::clone(&shared),
        },
        Writing { shared, written },
    ))
}

/// Writes lines as they come, until the end.
fn write_all(shared: &Shared, sinks: &mut [Sink], error_sinks: &mut [Sink]) {
    let mut failing = false;
    loop {
        let mut waiting = shared.lock();
        while waiting.lines.is_empty() && waiting.lost == 0 && !waiting.ended {
            waiting = shared
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let (lines, lost, ended) = (
            std::mem::take(&mut waiting.lines),
            std::mem::take(&mut waiting.lost),
            waiting.ended,
        );
        drop(waiting);
        let results: Vec<_> = sinks.iter_mut().map(|sink| sink.write(&lines)).collect();
        let failed = results.into_iter().find_map(Result::err);
        // Only the first of a run of failures is said.
        if let Some(error) = failed.as_ref().filter(|_| !failing) {
            say(error_sinks, &format!("cannot write logs: {error}\n"));
        }
        failing = failed.is_some();
        if lost > 0 {
            let line = format!("{lost} log lines left out: the log output is too slow\n");
            say(error_sinks, &line);
        }
        if ended {
            return;
        }
    }
}

/// Says what is wrong with the logs themselves. If that fails as well there is nobody left to tell.
fn say(sinks: &mut [Sink], line: &str) {
    for sink in sinks {
        let _ = sink.write(line);
    }
}

/// One output.
#[derive(Debug)]
enum Sink {
    Stdout,
    Stderr,
    File(File),
}

impl Sink {
    fn open(output: &LogOutput) -> Result<Self, LogError> {
        match output {
            LogOutput::Stdout => Ok(Self::Stdout),
            LogOutput::Stderr => Ok(Self::Stderr),
            LogOutput::File(path) => {
                let opened = OpenOptions::new().create(true).append(true).open(path);
                opened.map(Self::File).map_err(|source| LogError::Open {
                    path: path.clone(),
                    source,
                })
            }
        }
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        match self {
            Self::Stdout => write_to(&mut io::stdout().lock(), lines),
            Self::Stderr => write_to(&mut io::stderr().lock(), lines),
            Self::File(file) => write_to(file, lines),
        }
    }
}

fn write_to(sink: &mut impl Write, lines: &str) -> io::Result<()> {
    sink.write_all(lines.as_bytes())?;
    sink.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_left_out_and_counted() {
        let output = Output {
            shared: Arc::default(),
        };
        let line = "x".repeat(MAX_WAITING / 2) + "\n";
        (0..3).for_each(|_| output.write(&line));
        let waiting = output.shared.lock();
        assert_eq!((waiting.lines.len(), waiting.lost), (line.len(), 2));
    }
}
