//! The limit of open files, of which each connection is one.

use super::output::complain;

/// What is open besides connections.
const OTHERS: u64 = 64;

/// Raises the limit as far as the system lets us, and says so when that is not enough for so many connections.
pub(super) fn allow(connections: usize) {
    // Where it cannot be raised it may still be enough; where nobody knows it, nothing can be said.
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    let Ok(limit) = raised.or_else(|_| rlimit::Resource::NOFILE.get_soft()) else {
        return;
    };
    if let Some(problem) = shortage(connections, limit) {
        complain(problem);
    }
}

fn shortage(connections: usize, limit: u64) -> Option<String> {
    let wanted = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHERS);
    (wanted > limit).then(|| {
        format!("{connections} connections need {wanted} open files, and the limit is {limit}: raise its hard limit (ulimit -Hn)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_open_files_are_told_with_what_would_be_enough() {
        assert_eq!(shortage(960, 1_024), None);
        let problem = shortage(961, 1_024).unwrap();
        assert!(problem.contains("1025") && problem.contains("1024"), "{problem}");
    }

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        allow(0);
        let (soft, hard) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(soft, hard);
    }
}
