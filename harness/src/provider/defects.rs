//! Defects of PostgreSQL itself by which row security lets something through, and the minor releases that mend them, as
//! <https://www.postgresql.org/support/security/> lists them. A finding on such a server may be the engine's.

use watertight_reports::EngineDefect;

struct Known {
    id: &'static str,
    what: &'static str,
    /// Major version, and the first minor release of it without the defect. Other majors do not have it.
    mended: &'static [(u32, u32)],
}

const KNOWN: [Known; 5] = [
    Known {
        id: "CVE-2023-2455",
        what: "policies of the role that a query was planned for apply to another role after inlining",
        mended: &[(15, 3)],
    },
    Known {
        id: "CVE-2023-39418",
        what: "MERGE does not enforce the policies for UPDATE and SELECT",
        mended: &[(15, 4)],
    },
    Known {
        id: "CVE-2024-10976",
        what: "a plan that is used again for another role keeps the first one's policies below subqueries",
        mended: &[(15, 9), (16, 5), (17, 1)],
    },
    Known {
        id: "CVE-2025-8713",
        what: "statistics of the planner tell values that a policy on a partition or child table hides",
        mended: &[(15, 14), (16, 10), (17, 6)],
    },
    Known {
        id: "CVE-2026-120154",
        what: "INSERT … ON CONFLICT DO UPDATE reads rows that a policy hides",
        mended: &[(15, 20), (16, 16), (17, 12), (18, 7)],
    },
];

/// Defects of a server of that version, `server_version_num`.
pub(crate) fn known(version: u32) -> Vec<EngineDefect> {
    let (major, minor) = (version / 10_000, version % 10_000);
    let here = |known: &Known| {
        let mended = known.mended.iter().find(|(of, first)| *of == major && minor < *first)?;
        Some(EngineDefect {
            id: known.id.to_owned(),
            what: known.what.to_owned(),
            mended_in: format!("{}.{}", mended.0, mended.1),
        })
    };
    KNOWN.iter().filter_map(here).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(150_002, "CVE-2023-2455 CVE-2023-39418 CVE-2024-10976 CVE-2025-8713 CVE-2026-120154")]
    #[case(150_008, "CVE-2024-10976 CVE-2025-8713 CVE-2026-120154")]
    #[case(160_005, "CVE-2025-8713 CVE-2026-120154")]
    #[case(170_000, "CVE-2024-10976 CVE-2025-8713 CVE-2026-120154")]
    #[case(170_012, "")]
    #[case(180_006, "CVE-2026-120154")]
    #[case(180_007, "")]
    fn a_server_has_the_defects_that_its_minor_release_does_not_mend(
        #[case] version: u32,
        #[case] expected: &str,
    ) {
        let ids: Vec<String> = known(version).into_iter().map(|d| d.id).collect();
        assert_eq!(ids.join(" "), expected);
    }
}
