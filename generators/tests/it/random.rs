//! Schemas that nobody wrote: the generator meets them all.

use watertight_generators::Plan;

use crate::schemas::{not_everywhere, schema_of};

#[test]
fn hundreds_of_random_schemas() {
    for seed in 0..300 {
        let (schema, scenario) = schema_of(seed, &not_everywhere());
        let plan = Plan::new(&[&schema], &scenario);
        assert_eq!(plan.unproven(), &[], "schema {seed}");
        for index in [0, 2, 3, 4, 5, 6, 7, 10, 20, 21, 23] {
            let spec = plan.case_spec(index, 1000);
            let (data, skipped) = plan.generate_noting(u64::from(index), &spec);
            assert_eq!(plan.audit(&data), Vec::<String>::new(), "schema {seed}, case {index}");
            assert_eq!(data.dangling(&[&schema]), Vec::new(), "schema {seed}, case {index}");
            if spec.worlds.iter().all(|w| w.tenants == 1) {
                let lost: u32 = skipped.iter().map(|s| s.rows).sum();
                assert_eq!(lost, 0, "schema {seed}, case {index}: {skipped:?} {:?}", plan.not_made());
            }
        }
    }
}
