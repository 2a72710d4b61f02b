//! The providers on real servers.

use sqlx::{ConnectOptions as _, Row as _};
use std::time::Instant;
use watertight_harness::provider::{EmbeddedSource, ProviderChoice, ProviderOptions, Server};

fn embedded() -> ProviderOptions {
    ProviderOptions {
        embedded_source: EmbeddedSource::Downloaded,
        ..ProviderOptions::new(ProviderChoice::Embedded)
    }
}

#[tokio::test]
async fn embedded_starts_answers_and_leaves_nothing() {
    let begun = Instant::now();
    let server = Server::start(&embedded()).await.unwrap();
    println!("started in {:?}: {}", begun.elapsed(), server.info());
    assert!(server.is_alive().await);
    let mut connection = server.admin_options("postgres").connect().await.unwrap();
    let row = sqlx::query("SELECT current_setting('data_directory') AS data")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let data: String = row.get("data");
    assert!(std::path::Path::new(&data).exists());
    drop(connection);
    let begun = Instant::now();
    server.stop().await.unwrap();
    println!("stopped in {:?}", begun.elapsed());
    assert!(!std::path::Path::new(&data).exists());
}
