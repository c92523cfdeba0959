//! The built binary as a process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

/// A running `weir`. Killed when dropped, so that a failing test leaves nothing behind.
pub(crate) struct Weir {
    child: Child,
    pub(crate) log: BufReader<ChildStderr>,
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
    }
}

impl Weir {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_weir"))
                .args(arguments)
                .envs(environment.iter().copied()),
        )
    }

    /// The same with a file as standard output.
    pub(crate) fn start_into(arguments: &[&str], output: File) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_weir"))
                .args(arguments)
                .stdout(output),
        )
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("started");
        let log = BufReader::new(child.stderr.take().expect("standard error"));
        Self { child, log }
    }

    /// Reads log lines up to one that contains `part`, and returns it.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            assert_ne!(
                self.log.read_line(&mut seen).expect("log"),
                0,
                "`{part}` did not come: {seen}"
            );
            if seen[start..].contains(part) {
                return seen[start..].to_owned();
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .expect("kill")
                .success()
        );
    }

    /// Returns the rest of the log and the exit code.
    pub(crate) fn end(mut self) -> (String, i32) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("log");
        let status = self.child.wait().expect("ended");
        (rest, status.code().expect("exit code"))
    }
}

/// Returns the address in the field `endpoint` of a log line.
pub(crate) fn endpoint(line: &str) -> &str {
    let (_, rest) = line.split_once("\"endpoint\": \"").expect("endpoint");
    rest.split_once('"').expect("end of endpoint").0
}

/// Sends a GET request and returns the answer.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

/// Sends one data point on a connection of its own and returns the answer.
pub(crate) fn send_point(address: &str) -> io::Result<String> {
    let body = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":
        [{"asInt":"1","timeUnixNano":"1700000000000000000"}]}}]}]}]}"#;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST /v1/metrics HTTP/1.1\r\nHost: weir\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
