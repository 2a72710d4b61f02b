DROP TABLE comments;
DROP TABLE tickets;
DROP TABLE companies;
