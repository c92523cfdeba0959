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

/// CPUs of gateway and of load with sink when pinned.
const GATEWAY_CPU: &str = "0";
const LOAD_CPU: &str = "1";
/// Unit of CPU times in `/proc/<pid>/stat`: USER_HZ, which Linux fixes at 100 per second on the platforms that Weir is
/// built for.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often a port is tried while the gateway starts.
const POLL: Duration = Duration::from_millis(20);

/// A gateway that runs. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    pid: u32,
    case: String,
    log: PathBuf,
}

impl Gateway {
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
        if options.pin {
            // taskset becomes the command it starts: the process id stays the gateway's.
            words.splice(0..0, ["taskset", "-c", GATEWAY_CPU].map(String::from));
        }
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
        };
        gateway.wait_until_ready(address, case.gateway.start).await?;
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
        let status = self.read("status")?;
        peak_kib(&status)
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

/// Pins all threads of this process to the load's CPU.
pub(super) async fn pin_self() -> Result<(), RigError> {
    let fail = |error| RigError::process("pin the load with taskset", error);
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", LOAD_CPU, &pid])
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

/// Reads utime + stime, fields 14 and 15. Fields are counted from the end of the program's name, which may hold spaces.
pub(super) fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Reads VmHWM.
pub(super) fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
