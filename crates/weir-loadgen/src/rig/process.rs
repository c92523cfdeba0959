//! A gateway as a process: start, wait, watch, stop. Linux only: figures come from `/proc`.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::{Case, RigError, RigOptions};

/// Unit of CPU times in `/proc/<pid>/stat`: USER_HZ, which Linux fixes at 100 per second on the platforms that Weir is
/// built for.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often a port is tried while the gateway starts.
const POLL: Duration = Duration::from_micros(500);

/// A gateway that runs. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    pid: u32,
    case: String,
    log: PathBuf,
    start: Duration,
}

impl Gateway {
    /// Returns the time from the start of the process to the first connection that it took.
    pub(super) fn start_time(&self) -> Duration {
        self.start
    }

    /// Starts the gateway of a case with the environment given and waits until `address` accepts.
    pub(super) async fn start(
        case: &Case,
        run: usize,
        options: &RigOptions,
        environment: &[(&str, String)],
        address: &str,
    ) -> Result<Self, RigError> {
        fs::create_dir_all(&options.logs)
            .map_err(|error| RigError::process(format!("create {}", options.logs.display()), error))?;
        let log = options
            .logs
            .join(format!("{}-{run}.log", case.name.replace(' ', "_")));
        let file = File::create(&log)
            .map_err(|error| RigError::process(format!("create {}", log.display()), error))?;
        let second = file
            .try_clone()
            .map_err(|error| RigError::process(format!("open {}", log.display()), error))?;

        let config = case.gateway.config.to_string_lossy();
        let fill = |word: &String| {
            let word = word.replace("{config}", &config);
            environment.iter().fold(word, |word, (name, value)| {
                word.replace(&format!("{{{name}}}"), value)
            })
        };
        let mut words: Vec<_> = case.gateway.command.iter().map(fill).collect();
        if !case.gateway.cpus.is_empty() {
            // taskset becomes the command it starts: the process id stays the gateway's.
            let cpus = list(&case.gateway.cpus);
            words.splice(0..0, ["taskset".to_owned(), "-c".to_owned(), cpus]);
        }
        let began = Instant::now();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .envs(&case.gateway.env)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(second)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| RigError::process(format!("start `{}`", words.join(" ")), error))?;
        let ended = || io::Error::other("it ended at once");
        let pid = child
            .id()
            .ok_or_else(|| RigError::process("read the process id", ended()))?;
        let mut gateway = Self {
            child,
            pid,
            case: case.name.clone(),
            log,
            start: Duration::ZERO,
        };
        gateway.wait_until_ready(address, case.gateway.start).await?;
        gateway.start = began.elapsed();
        Ok(gateway)
    }

    async fn wait_until_ready(&mut self, address: &str, limit: Duration) -> Result<(), RigError> {
        let began = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            self.check_alive()?;
            if began.elapsed() > limit {
                return Err(RigError::NotReady {
                    case: self.case.clone(),
                    address: address.to_owned(),
                    log: self.log.display().to_string(),
                });
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Makes sure that the process has not ended.
    pub(super) fn check_alive(&mut self) -> Result<(), RigError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(RigError::Ended {
                case: self.case.clone(),
                status: status.to_string(),
                log: self.log.display().to_string(),
            }),
            Err(error) => Err(RigError::process("watch the gateway", error)),
        }
    }

    /// Returns the CPU time of all threads, user and system, since the start. Precise to 10 ms.
    pub(super) fn cpu(&self) -> Result<Duration, RigError> {
        let stat = self.read("stat")?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| self.unreadable("stat"))?;
        Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
    }

    /// Returns the highest resident memory since the start, in bytes.
    pub(super) fn peak_memory(&self) -> Result<u64, RigError> {
        self.memory("VmHWM:")
    }

    /// Returns the resident memory of this moment, in bytes.
    pub(super) fn resident_memory(&self) -> Result<u64, RigError> {
        self.memory("VmRSS:")
    }

    fn memory(&self, line: &str) -> Result<u64, RigError> {
        let status = self.read("status")?;
        status_kib(&status, line)
            .map(|kib| kib * 1024)
            .ok_or_else(|| self.unreadable("status"))
    }

    fn read(&self, file: &str) -> Result<String, RigError> {
        let path = format!("/proc/{}/{file}", self.pid);
        fs::read_to_string(&path).map_err(|error| RigError::process(format!("read {path}"), error))
    }

    fn unreadable(&self, file: &str) -> RigError {
        let error = io::Error::other("unknown format");
        RigError::process(format!("understand /proc/{}/{file}", self.pid), error)
    }

    /// Asks the gateway to stop and waits for its end; kills it when `limit` is over. Returns whether it stopped by
    /// itself with success.
    pub(super) async fn stop(mut self, limit: Duration) -> Result<bool, RigError> {
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(self.pid.to_string())
            .status()
            .await;
        asked.map_err(|error| RigError::process("signal the gateway", error))?;
        match timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) => Ok(status.success()),
            Ok(Err(error)) => Err(RigError::process("wait for the gateway", error)),
            Err(_) => {
                let killed = self.child.kill().await;
                killed
                    .map_err(|error| RigError::process("kill the gateway", error))
                    .map(|()| false)
            }
        }
    }
}

/// Pins all threads of this process to the CPUs that a gateway with those CPUs leaves, or lets them use all of `count` if it
/// leaves none.
pub(super) async fn place_load(gateway: &[usize], count: usize) -> Result<(), RigError> {
    let fail = |error| RigError::process("pin the load with taskset", error);
    let cpus = list(&others(gateway, count));
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", &cpus, &pid])
        .output()
        .await
        .map_err(fail)?;
    if !pinned.status.success() {
        return Err(fail(io::Error::other(
            String::from_utf8_lossy(&pinned.stderr).trim().to_owned(),
        )));
    }
    Ok(())
}

/// The CPUs of `count` that are not in `taken`; all if there are no others, or none is taken.
pub(super) fn others(taken: &[usize], count: usize) -> Vec<usize> {
    let free: Vec<_> = (0..count).filter(|cpu| !taken.contains(cpu)).collect();
    if free.is_empty() {
        (0..count).collect()
    } else {
        free
    }
}

/// CPUs as taskset reads them.
fn list(cpus: &[usize]) -> String {
    let cpus: Vec<_> = cpus.iter().map(ToString::to_string).collect();
    cpus.join(",")
}

/// Returns the time that the CPUs of the machine have idled, all together, since it was started.
pub(super) fn machine_idle() -> Result<Duration, RigError> {
    let path = "/proc/stat";
    let stat = fs::read_to_string(path).map_err(|error| RigError::process(format!("read {path}"), error))?;
    let ticks = idle_ticks(&stat)
        .ok_or_else(|| RigError::process(format!("understand {path}"), io::Error::other("unknown format")))?;
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// Reads idle and iowait of all CPUs together, fields 4 and 5 of the first line.
pub(super) fn idle_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.strip_prefix("cpu ")?.split_whitespace().skip(3);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Reads utime + stime, fields 14 and 15. Fields are counted from the end of the program's name, which may hold spaces.
pub(super) fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Reads a line of `/proc/<pid>/status` such as `VmHWM:`.
pub(super) fn status_kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
