use rstest::rstest;

use super::*;

fn statements(text: &str) -> Vec<String> {
    sent(text).unwrap_or_default().into_iter().map(|q| q.sql).collect()
}

const BOTH: [&str; 2] =
    ["SELECT a.id FROM a WHERE a.org_id = :p1 LIMIT :p2", "INSERT INTO a (id, org_id) VALUES (:p1, :p2)"];

#[rstest]
#[case::csv(
    "userid,query,calls\n10,\"INSERT INTO a (id, org_id)\nVALUES ($1, $2)\",3\n10,BEGIN,99\n\
     10,\"SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2\",7\n"
)]
#[case::json(
    "[{\"query\": \"INSERT INTO a (id, org_id) VALUES ($1, $2);\", \"calls\": 3},\n \
     {\"query\": \"SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2\", \"calls\": \"7\"}]"
)]
#[case::json_lines(
    "{\"query\": \"INSERT INTO a (id, org_id) VALUES ($1, $2)\", \"calls\": 3}\n\
     {\"query\":\"SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2\",\"calls\":7}\n{\"query\": \"SET x = 1\"}\n"
)]
#[case::aligned(
    " calls |                       query                        \n\
     -------+----------------------------------------------------\n     \
          3 | INSERT INTO a (id, org_id)                        +\n       \
            | VALUES ($1, $2)\n     \
          7 | SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2\n(2 rows)\n"
)]
#[case::aligned_first(
    "                       query                        | calls \n\
     ----------------------------------------------------+-------\n \
      INSERT INTO a (id, org_id)                        +|     3\n \
      VALUES ($1, $2)                                    | \n \
      SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2    |     7\n(2 rows)\n\n"
)]
#[case::expanded(
    "-[ RECORD 1 ]--------------\ncalls | 3\nquery | INSERT INTO a (id, org_id)+\n      | VALUES ($1, $2)\n\
     -[ RECORD 2 ]----\ncalls | 7\nquery | SELECT a.id FROM a WHERE a.org_id = $1 LIMIT $2\n"
)]
fn dumps_are_read(#[case] text: &str) {
    assert_eq!(statements(text), BOTH);
}

#[rstest]
#[case::stderr(
    "2026-11-21 10:00:00 UTC [17] app@db LOG:  statement: SELECT a.id FROM a WHERE a.org_id = 'o''1' LIMIT 20\n\
     2026-11-21 10:00:00 UTC [17] LOG:  duration: 0.413 ms  statement: select 1\n\t  , name from a where id=5;\n\
     2026 [17] DETAIL:  parameters: $1 = 'x'\n\
     [18] LOG:  duration: 12.0 ms  execute <unnamed>: SELECT a.id FROM a WHERE a.org_id = $1 LIMIT 20\n\
     [18] ERROR:  no\n[18] STATEMENT:  SELECT nothing\n[1] LOG:  checkpoint starting: time\n"
)]
#[case::csvlog(
    "2026-11-21 10:00:00.1 UTC,\"app\",\"db\",17,\"[local]\",67,1,\"SELECT\",2026-11-21,3/4,0,LOG,00000,\
     \"statement: SELECT a.id FROM a WHERE a.org_id = 'o''1' LIMIT 20\",,,,,,,,,\"psql\",\"client backend\",,0\n\
     2026-11-21 10:00:00.2 UTC,\"app\",\"db\",17,\"[local]\",67,2,\"SELECT\",2026-11-21,3/5,0,LOG,00000,\
     \"execute s1: SELECT a.id FROM a WHERE a.org_id = $1 LIMIT 20\",\"parameters: $1 = 'x'\",,,,,,,,\"psql\",,,0\n\
     2026-11-21 10:00:00.2 UTC,\"app\",\"db\",17,\"[local]\",67,2,\"SELECT\",2026-11-21,3/5,0,LOG,00000,\
     \"duration: 1.0 ms  statement: select 1 , name from a where id=5\",,,,,,,,,\"psql\",\"client backend\",,0\n"
)]
#[case::jsonlog(
    "{\"error_severity\":\"LOG\",\"message\":\"statement: SELECT a.id FROM a WHERE a.org_id = 'o''1' LIMIT 20\"}\n\
     {\"error_severity\":\"LOG\",\"message\":\"execute a: SELECT a.id FROM a WHERE a.org_id = $1 LIMIT 20\"}\n\
     {\"error_severity\":\"LOG\",\"message\":\"statement: select 1 , name from a where id=5\"}\n"
)]
fn logs_are_read(#[case] text: &str) {
    // Statements that differ in values alone are one; a value that no column is compared with stays.
    assert_eq!(
        statements(text),
        ["SELECT a.id FROM a WHERE a.org_id = :p1 LIMIT 20", "select 1 , name from a where id=:p1"]
    );
}

#[test]
fn names_are_stable_and_annotations_are_names() {
    let text = "{\"query\":\"-- name: GetA :one\\nSELECT * FROM a WHERE id = $1\"}\n\
                {\"query\":\"/* app */ DELETE FROM s.a WHERE id = 3\"}\n\
                {\"query\":\"WITH x AS (SELECT 1) UPDATE b SET n = 2 WHERE id = $1\"}";
    let names = || -> Vec<String> { sent(text).unwrap().into_iter().map(|q| q.name).collect() };
    assert_eq!(names()[0], "GetA");
    assert!(names()[1].starts_with("delete a ") && names()[2].starts_with("update b "), "{:?}", names());
    assert_eq!(names(), names());
}

#[rstest]
#[case("")]
#[case("a,b\n1,2\n")]
#[case("Dear all,\n\n---\nregards")]
#[case("{\"a\": }")]
fn other_files_are_none(#[case] text: &str) {
    assert!(sent(text).is_none_or(|found| found.is_empty()), "{text}");
}
