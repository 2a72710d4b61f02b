//! Rebuilds the crate when a bundled scenario changes: the catalog is embedded in the binary.

fn main() {
    println!("cargo::rerun-if-changed=catalog");
}
