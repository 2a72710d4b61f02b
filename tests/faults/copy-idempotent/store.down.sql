DROP TABLE item_log, item, account;
DROP FUNCTION log_item();
DROP FUNCTION touch();
