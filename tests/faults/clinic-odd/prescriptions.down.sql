DROP TABLE letter;
DROP TABLE drug;
DROP TABLE prescription;
