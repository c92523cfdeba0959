//! Server programs from Debian packages, unpacked beside each other without installing them.
//!
//! The release of Debian that a machine runs may hold a server too old for the suite, so later releases are
//! looked at too, through package lists of our own: the machine's lists, its packages and its configuration
//! stay as they are. The mirror and its keyring are the ones that the machine already uses.

mod mirror;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{capture, on_path};
use mirror::Mirror;

/// A server of the suite.
#[derive(Debug)]
struct Server {
    /// Name of the Debian package, and of the folder it is unpacked to.
    package: &'static str,
    /// The program in that folder.
    program: &'static str,
    /// Arguments that make it print its version and end.
    version: &'static [&'static str],
    /// Least version, as major and minor number.
    least: (u32, u32),
    /// What needs that version.
    reason: &'static str,
}

const SERVERS: &[Server] = &[
    Server {
        package: "prometheus",
        program: "usr/bin/prometheus",
        version: &["--version"],
        least: (3, 0),
        reason: "receives remote write 2.0",
    },
    Server {
        package: "victoria-metrics",
        program: "usr/bin/victoria-metrics",
        version: &["--version"],
        least: (1, 130),
        reason: "shows the metadata of remote write",
    },
    Server {
        package: "influxdb",
        program: "usr/bin/influxd",
        version: &["version"],
        least: (1, 4),
        reason: "receives remote write",
    },
];

/// Releases looked at after the machine's own, nearest first: what runs there is likelier to run here.
const LATER_RELEASES: &[&str] = &["trixie", "forky", "sid"];

/// Unpacks every server that is not there yet.
pub(super) fn servers(folder: &Path) -> Result<()> {
    let missing: Vec<&Server> = SERVERS
        .iter()
        .filter(|server| !is_ready(folder, server))
        .collect();
    if missing.is_empty() {
        println!("setup: servers are up to date");
        return Ok(());
    }
    for program in ["apt-get", "apt-cache", "dpkg"] {
        if !on_path(program) {
            bail!("`{program}` is not on the search path; the servers come from Debian packages");
        }
    }
    let apt = Apt::new(&folder.join("apt"), &Mirror::of_this_machine()?)?;
    apt.update()?;
    for server in missing {
        install(&apt, folder, server)?;
    }
    Ok(())
}

fn definition(server: &Server) -> String {
    format!("{} {}.{}\n", server.package, server.least.0, server.least.1)
}

fn is_ready(folder: &Path, server: &Server) -> bool {
    super::is_complete(&folder.join(server.package), &definition(server))
}

/// Takes the first version that is new enough and runs on this machine.
fn install(apt: &Apt, folder: &Path, server: &Server) -> Result<()> {
    let Server {
        package,
        least: (major, minor),
        reason,
        ..
    } = *server;
    let target = folder.join(package);
    let mut tried = Vec::new();
    for version in apt.versions(package)? {
        if number(&version) < Some(server.least) {
            tried.push(format!("{version}: too old"));
            continue;
        }
        match unpack(apt, &target, server, &version) {
            Ok(()) => {
                println!("setup: {package} {version}");
                return super::complete(&target, &definition(server));
            }
            Err(error) => tried.push(format!("{version}: {error:#}")),
        }
    }
    let found = if tried.is_empty() {
        "none found".to_owned()
    } else {
        tried.join("\n  ")
    };
    bail!("no usable {package} {major}.{minor} or later, which {reason}, in Debian's releases:\n  {found}")
}

fn unpack(apt: &Apt, target: &Path, server: &Server, version: &str) -> Result<()> {
    super::begin(target)?;
    let archive = apt.download(target, server.package, version)?;
    capture(Command::new("dpkg").arg("-x").arg(&archive).arg(target))?;
    fs::remove_file(archive)?;
    capture(Command::new(target.join(server.program)).args(server.version))
        .context("does not run on this machine")?;
    Ok(())
}

/// Major and minor number of a Debian version such as `3.5.3+ds1-6`.
fn number(version: &str) -> Option<(u32, u32)> {
    let upstream = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    let mut parts = upstream
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// apt with package lists of its own.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(folder: &Path, mirror: &Mirror) -> Result<Self> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let mut releases = vec![mirror.release.as_str()];
        releases.extend(
            LATER_RELEASES
                .iter()
                .filter(|release| **release != mirror.release),
        );
        let lines: String = releases.iter().map(|release| mirror.line(release)).collect();
        fs::write(folder.join("sources.list"), lines)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn command(&self, program: &str) -> Command {
        let path = |part: &str| self.folder.join(part).display().to_string();
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        let options = [
            format!("Dir::State={}", path("state")),
            "Dir::State::status=/dev/null".to_owned(),
            format!("Dir::Cache={}", path("cache")),
            format!("Dir::Etc::sourcelist={}", path("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            // Mirrors that lag behind serve lists past their date; what these name is signed all the same.
            "Acquire::Check-Valid-Until=false".to_owned(),
            // The folder may lie where apt's own user cannot read.
            "APT::Sandbox::User=root".to_owned(),
        ];
        for option in options {
            command.arg("-o").arg(option);
        }
        command
    }

    /// Fetches the package lists. A release that the mirror does not carry is no failure: the others do.
    fn update(&self) -> Result<()> {
        println!("setup: reading Debian's package lists");
        if let Err(error) = capture(self.command("apt-get").args(["--quiet", "update"])) {
            println!("setup: not every package list could be read: {error:#}");
        }
        Ok(())
    }

    /// Versions of a package in the order of the releases.
    fn versions(&self, package: &str) -> Result<Vec<String>> {
        let table = capture(self.command("apt-cache").args(["madison", package]))?;
        let mut versions: Vec<String> = table
            .lines()
            .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()))
            .collect();
        // Newest first in that table.
        versions.dedup();
        versions.reverse();
        Ok(versions)
    }

    /// Fetches a package into a folder and returns the path of the archive.
    fn download(&self, folder: &Path, package: &str, version: &str) -> Result<PathBuf> {
        capture(
            self.command("apt-get")
                .args(["--quiet", "download", &format!("{package}={version}")])
                .current_dir(folder),
        )?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                return Ok(path);
            }
        }
        bail!("apt-get download left no archive")
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_debian_version_has_a_major_and_a_minor_number() {
        assert_eq!(number("3.5.3+ds1-6"), Some((3, 5)));
        assert_eq!(number("1:2.53.3-2"), Some((2, 53)));
        assert_eq!(number("1.6.7~rc0-1+b13"), Some((1, 6)));
        assert_eq!(number("unreleased"), None);
    }
}
