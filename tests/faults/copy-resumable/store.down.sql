DROP TABLE item, account;
DROP FUNCTION touch();
DROP FUNCTION refuse_known();
