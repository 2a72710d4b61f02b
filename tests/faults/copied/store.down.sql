DROP TABLE item, account;
DROP FUNCTION touch();
