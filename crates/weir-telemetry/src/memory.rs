//! How much memory there is and how much this process has, as the kernel says.

use std::fs;

/// Returns the memory that this process may use, in bytes: the cgroup's limit (v2 or v1) or the machine's memory, whichever is
/// smaller. `None` where the kernel does not say (not Linux).
pub fn total_bytes() -> Option<u64> {
    let machine = meminfo_total();
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let cgroup = limits
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    match (machine, cgroup) {
        (Some(machine), Some(cgroup)) => Some(machine.min(cgroup)),
        (machine, cgroup) => machine.or(cgroup),
    }
}

fn meminfo_total() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

/// Returns the resident set of this process in bytes. `None` where the kernel does not say.
pub fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_less_memory_than_there_is() {
        if let (Some(total), Some(resident)) = (total_bytes(), resident_bytes()) {
            assert!(0 < resident && resident < total);
        }
    }
}
