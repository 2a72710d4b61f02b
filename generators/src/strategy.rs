//! The generator as a proptest strategy.

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand::Rng;

use crate::case::CaseSize;
use crate::dataset::Dataset;
use crate::plan::Plan;
use crate::shrink::{ShrinkLimits, Shrinker};

/// Random data sets of a plan, which shrink closed under foreign keys.
#[derive(Clone, Debug)]
pub struct DatasetStrategy {
    plan: Plan,
    size: CaseSize,
}

impl Plan {
    /// Random data sets of a size, as a proptest strategy.
    pub fn strategy(&self, size: CaseSize) -> DatasetStrategy {
        DatasetStrategy { plan: self.clone(), size }
    }
}

impl Strategy for DatasetStrategy {
    type Tree = DatasetTree;
    type Value = Dataset;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let (shape, seed) = (runner.rng().next_u64(), runner.rng().next_u64());
        let spec = self.plan.random_spec(self.size, shape);
        let dataset = self.plan.generate(seed, &spec);
        Ok(DatasetTree(Shrinker::new(&self.plan, dataset, ShrinkLimits::default())))
    }
}

/// A data set on its way to a smaller one.
#[derive(Clone, Debug)]
pub struct DatasetTree(Shrinker);

impl ValueTree for DatasetTree {
    type Value = Dataset;

    fn current(&self) -> Dataset {
        self.0.current().clone()
    }

    fn simplify(&mut self) -> bool {
        self.0.simplify()
    }

    fn complicate(&mut self) -> bool {
        self.0.complicate()
    }
}
