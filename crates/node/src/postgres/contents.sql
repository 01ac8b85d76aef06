-- Schemas, extensions and default privileges of the current database, as one document. Runs with
-- search_path = pg_catalog. Objects of a schema are counted up to 1,000.
SELECT jsonb_build_object(
  'schemas', (
    SELECT coalesce(jsonb_object_agg(n.nspname, jsonb_build_object(
      'owner', pg_get_userbyid(n.nspowner),
      'usage', (
        SELECT coalesce(jsonb_agg(
          CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END), '[]')
        FROM aclexplode(n.nspacl) AS x
        WHERE x.privilege_type = 'USAGE'),
      'objects', (
        SELECT count(*) FROM (
          SELECT FROM pg_depend d
          WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
            AND d.deptype = 'n'
          LIMIT 1000) AS counted))), '{}')
    FROM pg_namespace n
    WHERE n.nspname NOT LIKE 'pg\_%'),
  'extensions', (
    SELECT coalesce(jsonb_object_agg(e.extname, jsonb_build_object(
      'version', e.extversion,
      'schema', n.nspname,
      'relocatable', e.extrelocatable,
      'owns_tables', EXISTS (
        SELECT FROM pg_depend d
        JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p')
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = e.oid AND d.deptype = 'e'))), '{}')
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace),
  'default_acl', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'creator', pg_get_userbyid(a.defaclrole),
      'object_type', a.defaclobjtype::text,
      'acl', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
          'grantee', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
          'privilege', x.privilege_type)), '[]')
        FROM aclexplode(a.defaclacl) AS x))), '[]')
    FROM pg_default_acl a
    WHERE a.defaclnamespace = 0))
