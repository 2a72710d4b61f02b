-- title: A registered model has the dimension of the columns that its vectors go to
-- why: What a larger model gives cannot be stored, and what it is asked cannot be compared.
-- from: realign
SELECT s."id", s."model", s."dimension"
  FROM public."EmbeddingSpace" s
 WHERE s."dimension" <> 1536;
