-- Who only counts: it may read the server's statistics and no row of anybody's, and has no password.
SET client_min_messages TO warning;
SELECT 'CREATE ROLE alphorn_metrics'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'alphorn_metrics') \gexec
ALTER ROLE alphorn_metrics LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5 PASSWORD NULL;
ALTER ROLE alphorn_metrics SET default_transaction_read_only TO on;
GRANT pg_monitor TO alphorn_metrics;
