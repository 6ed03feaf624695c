-- One database for each server; PostgreSQL's image runs this once, when its volume is new.
CREATE DATABASE hub;
CREATE DATABASE gb;
CREATE DATABASE de;
CREATE DATABASE jp;
