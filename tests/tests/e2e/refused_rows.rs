//! Data that the server refuses for reasons that the generator does not understand.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::{Folder, watertight};

/// The sound scenario with more in its baseline, before and behind the tables.
fn with(name: &str, before: &str, behind: &str) -> Folder {
    let folder = Folder::sound(name);
    let baseline = format!("{before}\n{}\n{behind}\n", folder.read("baseline.sql"));
    folder.file("baseline.sql", baseline)
}

const FITS: &str = "CREATE FUNCTION fits(t text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN RETURN length(t) BETWEEN 1 AND 30 AND t !~ '[A-Z]{3}'; END $$;";

#[rstest]
#[case::check(with("fits", FITS, "ALTER TABLE item ADD CHECK (fits(body));"))]
#[case::two_checks(with(
    "fits",
    FITS,
    "ALTER TABLE item ADD CHECK (fits(body)), ADD COLUMN code text NOT NULL DEFAULT 'A' CHECK (NOT fits(code || body || code || '.'));"
))]
#[case::unique_expression(with(
    "fits",
    "CREATE FUNCTION head(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN left(t, 4); END $$;",
    "CREATE UNIQUE INDEX ON note (head(body));"
))]
#[case::domain(with(
    "fits",
    "CREATE FUNCTION even(n integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n % 2 = 0; END $$;
     CREATE DOMAIN even_number AS integer CHECK (even(VALUE));",
    "ALTER TABLE item ADD COLUMN pair even_number NOT NULL DEFAULT 2, ADD COLUMN other even_number;"
))]
#[case::trigger_that_always_fires(with(
    "fits",
    "CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.email ~ '\\.' THEN RAISE EXCEPTION 'no dots'; END IF; RETURN NEW; END $$;",
    "CREATE TRIGGER reject BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION reject();
     ALTER TABLE account ENABLE ALWAYS TRIGGER reject;"
))]
fn values_are_tried_until_the_server_takes_them(#[case] folder: Folder) {
    // What is inserted by the harness itself and by the application is not made by trying.
    let skip = "constraint-admits,constraint-rejects,access-compatible,guard-refuses,write-isolation,existence-oracle";
    let ended = watertight!("verify", &folder, "--skip", skip).small(16).run().expect(0);
    let scenario = ended.scenario();
    assert_eq!(scenario.verdict, Verdict::Held, "{ended}");
    assert_eq!(scenario.data.cases, 16, "{ended}");
    assert!(scenario.tables.iter().all(|t| t.rows > 20), "{:?}", scenario.tables);
    let lost: Vec<_> = scenario.data.not_made.iter().filter(|why| !why.contains("head")).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn rows_that_nothing_makes_acceptable_are_left_out_with_what_refers_to_them_and_named() {
    let never = "CREATE FUNCTION never(t text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN false; END $$;";
    let folder = with("never", never, "ALTER TABLE item ADD CONSTRAINT item_never CHECK (never(body));");
    // The application's insert is refused, too: that is a finding.
    let ended = watertight!("verify", &folder, "--skip", "access-compatible").small(8).run().expect(4);
    let scenario = ended.scenario();
    let not_made = &scenario.data.not_made;
    assert!(not_made.iter().any(|why| why.contains("item") && why.contains("item_never")), "{not_made:?}");
    assert!(not_made.iter().any(|why| why.contains("note") && why.contains("reference")), "{not_made:?}");
    assert_eq!(scenario.data.cases, 8, "{ended}");
    assert!(scenario.data.rows > 0, "{ended}");
    assert!(scenario.assumptions.iter().any(|a| a.contains("item_never")), "{:?}", scenario.assumptions);
}

#[test]
fn a_case_that_is_lost_is_counted_with_where_it_was_lost() {
    let folder = Folder::sound("lost");
    // Over empty tables it does no harm.
    let kill = "RESET ROLE;\nSELECT pg_terminate_backend(pg_backend_pid()) FROM pg_class
        WHERE relname = 'item' AND pg_stat_get_xact_tuples_updated(oid) > 0;";
    let fill = format!("{}\n{kill}\n", folder.read("fill.sql"));
    let ended = watertight!("verify", &folder.file("fill.sql", fill)).small(6).run().expect(4);
    let scenario = ended.scenario();
    for check in &scenario.checks {
        let watertight_reports::CheckOutcome::Inconclusive { reason } = &check.outcome else { continue };
        // On the timeline, or in an excursion that runs the step: a line each, and no more.
        assert!(reason.matches("cases were lost").count() <= 2, "{reason}");
        assert!(reason.contains("at step `fill`") && reason.contains("57P01"), "{reason}");
    }
}
