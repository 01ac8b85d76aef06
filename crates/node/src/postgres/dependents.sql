-- What depends on role $role, as one document. Runs with search_path = pg_catalog.
SELECT jsonb_build_object(
  'objects', (
    SELECT coalesce(jsonb_object_agg(datname, n), '{}')
    FROM (
      SELECT d.datname, count(*) AS n
      FROM pg_shdepend s
      JOIN pg_database d ON d.oid = s.dbid
      WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'
      GROUP BY d.datname) AS owned),
  'databases', (
    SELECT coalesce(jsonb_agg(datname ORDER BY datname), '[]')
    FROM pg_database WHERE datdba = r.oid),
  'members', (
    SELECT coalesce(jsonb_agg(pg_get_userbyid(m.member) ORDER BY pg_get_userbyid(m.member)), '[]')
    FROM (SELECT DISTINCT member FROM pg_auth_members WHERE roleid = r.oid) AS m),
  'sessions', (
    SELECT coalesce(jsonb_object_agg(datname, n), '{}')
    FROM (
      SELECT coalesce(datname, '') AS datname, count(*) AS n
      FROM pg_stat_activity WHERE usesysid = r.oid
      GROUP BY 1) AS open))
FROM pg_authid r WHERE r.rolname = $role
