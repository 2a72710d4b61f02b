DROP TABLE item, account;
DROP FUNCTION tidy();
DROP FUNCTION touch();
