//! Excursions from one checkpoint as a tree: what begins alike is done once.

use super::act::{Act, Seen};
use super::scene::Scene;

/// A node: an act, what was seen of it, and what follows it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The act.
    pub act: Act,
    /// What was seen, once it ran.
    pub seen: Option<Seen>,
    /// What follows.
    pub children: Vec<Node>,
}

/// All excursions from one checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// First acts.
    pub roots: Vec<Node>,
}

impl Node {
    /// Whether somebody looks at the state that it, or something behind it, leaves.
    pub fn is_looked_at(&self) -> bool {
        self.children.iter().any(|child| child.act.is_probe() || child.is_looked_at())
    }
}

impl Tree {
    /// Adds an excursion; a prefix that is there already is shared.
    pub fn add(&mut self, acts: &[Act]) {
        let mut level = &mut self.roots;
        for act in acts {
            let at = match level.iter().position(|n| &n.act == act) {
                Some(at) => at,
                None => {
                    level.push(Node { act: act.clone(), seen: None, children: Vec::new() });
                    level.len() - 1
                }
            };
            level = &mut level[at].children;
        }
    }

    /// Notes what was seen of each of these acts, which are in the tree.
    pub fn note(&mut self, acts: &[Act], seen: &[Seen]) {
        let mut level = &mut self.roots;
        for (act, seen) in acts.iter().zip(seen) {
            let Some(node) = level.iter_mut().find(|n| &n.act == act) else { return };
            node.seen = Some(seen.clone());
            level = &mut node.children;
        }
    }

    /// What was seen of the last of these acts.
    pub fn seen(&self, acts: &[Act]) -> Option<&Seen> {
        self.node(acts)?.seen.as_ref()
    }

    /// Whether these acts are asked for, or begin what is.
    pub fn has(&self, acts: &[Act]) -> bool {
        self.node(acts).is_some()
    }

    fn node(&self, acts: &[Act]) -> Option<&Node> {
        let mut level = &self.roots;
        let mut found = None;
        for act in acts {
            let node = level.iter().find(|n| &n.act == act)?;
            found = Some(node);
            level = &node.children;
        }
        found
    }

    /// The excursions that begin with an act that no transaction can hold.
    pub fn unheld(&self, scene: &Scene) -> Self {
        let roots = self.roots.iter().filter(|n| !scene.is_held(&n.act));
        Self { roots: roots.cloned().collect() }
    }

    /// Takes over what was seen of excursions that were played elsewhere.
    pub fn take_over(&mut self, played: Self) {
        for node in played.roots {
            self.roots.retain(|n| n.act != node.act);
            self.roots.push(node);
        }
    }

    /// Number of acts in the tree.
    pub fn len(&self) -> usize {
        fn count(nodes: &[Node]) -> usize {
            nodes.iter().map(|n| 1 + count(&n.children)).sum()
        }
        count(&self.roots)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_beginning_is_one_node() {
        let mut tree = Tree::default();
        let down = Act::Down(watertight_scenarios::scenario::StepId(0));
        tree.add(&[down.clone(), Act::Snapshot]);
        tree.add(&[down.clone(), Act::Catalog]);
        tree.add(&[Act::Snapshot]);
        assert_eq!((tree.roots.len(), tree.len()), (2, 4));
        assert!(tree.has(std::slice::from_ref(&down)) && tree.has(&[down.clone(), Act::Catalog]));
        assert!(!tree.has(&[Act::Catalog]));
        assert!(tree.seen(&[down, Act::Snapshot]).is_none());
    }
}
