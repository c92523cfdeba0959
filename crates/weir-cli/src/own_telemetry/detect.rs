//! Attributes that are found out at the start, by the names of the semantic conventions.
//!
//! Command lines are left out on purpose: `--set` may carry secrets.

use std::collections::BTreeMap;
use std::fs;

use weir_config::telemetry::{AttributeValue, Detector};

/// Returns what the detectors find. What cannot be found out is left out.
pub(super) fn all(detectors: &[Detector]) -> BTreeMap<String, AttributeValue> {
    let mut found = BTreeMap::new();
    for detector in detectors {
        match detector {
            Detector::Container => set(&mut found, "container.id", container()),
            Detector::Host => host(&mut found),
            Detector::Process => process(&mut found),
            Detector::Service => set(
                &mut found,
                "service.name",
                std::env::var("OTEL_SERVICE_NAME").ok(),
            ),
        }
    }
    found
}

fn set(found: &mut BTreeMap<String, AttributeValue>, name: &str, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        found.insert(name.to_owned(), AttributeValue::Text(value));
    }
}

fn host(found: &mut BTreeMap<String, AttributeValue>) {
    set(
        found,
        "host.name",
        line_of("/proc/sys/kernel/hostname").or_else(|| line_of("/etc/hostname")),
    );
    // Spec: semantic conventions, "Host", "Collecting host.id from non-containerized systems".
    set(
        found,
        "host.id",
        line_of("/etc/machine-id").or_else(|| line_of("/var/lib/dbus/machine-id")),
    );
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        other => other,
    };
    set(found, "host.arch", Some(arch.to_owned()));
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    set(found, "os.type", Some(system.to_owned()));
}

fn process(found: &mut BTreeMap<String, AttributeValue>) {
    let pid = AttributeValue::Int(std::process::id().into());
    found.insert("process.pid".to_owned(), pid);
    if let Ok(path) = std::env::current_exe() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        set(found, "process.executable.name", name);
        set(
            found,
            "process.executable.path",
            Some(path.to_string_lossy().into_owned()),
        );
    }
    set(found, "process.owner", std::env::var("USER").ok());
}

fn line_of(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

/// Returns the id of the container that the kernel tells of: 64 hexadecimal digits in the path of a control group (version 1), or of
/// a file that the container's engine mounted.
fn container() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    container_id(&groups).or_else(|| {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = mounts.lines().filter(|line| line.contains("/hostname "));
        own.filter_map(container_id).next()
    })
}

fn container_id(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .find(|part| part.len() == 64)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_process_are_found_on_this_machine() {
        let found = all(&[Detector::Host, Detector::Process]);
        for name in ["host.arch", "os.type", "process.pid", "process.executable.name"] {
            assert!(found.contains_key(name), "{name}: {found:?}");
        }
        assert!(!found.keys().any(|name| name.contains("command")), "{found:?}");
    }

    #[test]
    fn the_id_of_a_container_has_64_digits() {
        let id = "4f".repeat(32);
        for (text, expect) in [
            (format!("12:cpu:/docker/{id}\n0::/"), Some(id.as_str())),
            (format!("0::/system.slice/cri-containerd-{id}.scope"), Some(&id)),
            (
                format!("1 2 /var/lib/docker/containers/{id}/hostname /etc/hostname rw"),
                Some(&id),
            ),
            ("0::/user.slice".to_owned(), None),
        ] {
            assert_eq!(container_id(&text).as_deref(), expect, "{text}");
        }
    }
}
