DROP INDEX passage_embedding_idx;
