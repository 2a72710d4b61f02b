//! Generated data meets what its schema asks for.

mod support;

use watertight_generators::{Plan, to_insert_sql};

#[test]
fn datahub_data_meets_its_schema() {
    let (schema, scenario) = support::datahub();
    let plan = Plan::new(&[&schema], &scenario);
    assert_eq!(plan.not_made(), &[] as &[String]);
    assert!(plan.unproven().is_empty());
    for index in 0..60 {
        let spec = plan.case_spec(index, 60);
        let (data, skipped) = plan.generate_noting(u64::from(index), &spec);
        assert_eq!(plan.audit(&data), Vec::<String>::new(), "{}", spec.label);
        assert_eq!(data.dangling(&[&schema]), Vec::new(), "{}", spec.label);
        assert_eq!(skipped, Vec::new(), "{}", spec.label);
        if index < 12 {
            println!("-- {} {}", spec.label, data.row_count());
            println!("{}", to_insert_sql(&data, &[&schema]));
        }
    }
}
