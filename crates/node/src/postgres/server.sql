-- Roles and databases of a primary, as one document. Runs with search_path = pg_catalog.
SELECT jsonb_build_object(
  'in_recovery', pg_is_in_recovery(),
  'server', CASE WHEN NOT pg_is_in_recovery() THEN jsonb_build_object(
    'version_num', current_setting('server_version_num')::int,
    'superuser', current_user,
    'tablespaces', (SELECT jsonb_agg(spcname) FROM pg_tablespace),
    -- What initdb was told shows where nothing can change: in template0 and in the file it wrote.
    'creation', jsonb_build_object(
      'checksums', current_setting('data_checksums')::bool,
      'encoding', (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template0'),
      'lc_collate', (SELECT datcollate FROM pg_database WHERE datname = 'template0'),
      'lc_ctype', (SELECT datctype FROM pg_database WHERE datname = 'template0'),
      'locale', (
        SELECT max(setting) FROM pg_file_settings
        WHERE name = 'lc_numeric' AND sourcefile LIKE '%/postgresql.base.conf')),
    'roles', (
      SELECT jsonb_object_agg(r.rolname, jsonb_build_object(
        'system', r.oid < 16384,
        'password', r.rolpassword,
        'login', r.rolcanlogin,
        'superuser', r.rolsuper,
        'createdb', r.rolcreatedb,
        'createrole', r.rolcreaterole,
        'inherit', r.rolinherit,
        'replication', r.rolreplication,
        'bypassrls', r.rolbypassrls,
        'connection_limit', r.rolconnlimit,
        'valid_until', nullif(r.rolvaliduntil::text, 'infinity'),
        'member_of', coalesce(m.roles, '{}'),
        'parameters', coalesce(s.settings, '{}'),
        'parameters_in', coalesce(i.databases, '{}'),
        'comment', shobj_description(r.oid, 'pg_authid'),
        'execute', coalesce(f.functions, '[]')))
      FROM pg_authid r
      LEFT JOIN (
        SELECT member, jsonb_object_agg(rolname, grants) AS roles
        FROM (
          SELECT a.member, g.rolname, jsonb_agg(jsonb_build_object(
            'grantor', pg_get_userbyid(a.grantor), 'admin', a.admin_option,
            -- Since PostgreSQL 16.
            'inherit', to_jsonb(a) -> 'inherit_option', 'set', to_jsonb(a) -> 'set_option')) AS grants
          FROM pg_auth_members a
          JOIN pg_authid g ON g.oid = a.roleid
          GROUP BY a.member, g.rolname) AS one
        GROUP BY member) AS m ON m.member = r.oid
      LEFT JOIN (
        SELECT setrole, jsonb_object_agg(split_part(c, '=', 1),
                                         substr(c, strpos(c, '=') + 1)) AS settings
        FROM pg_db_role_setting, unnest(setconfig) AS c
        WHERE setdatabase = 0
        GROUP BY setrole) AS s ON s.setrole = r.oid
      LEFT JOIN (
        SELECT setrole, jsonb_object_agg(datname, settings) AS databases
        FROM (
          SELECT b.setrole, d.datname, jsonb_object_agg(split_part(c, '=', 1),
                                                        substr(c, strpos(c, '=') + 1)) AS settings
          FROM pg_db_role_setting b
          JOIN pg_database d ON d.oid = b.setdatabase, unnest(b.setconfig) AS c
          GROUP BY b.setrole, d.datname) AS one
        GROUP BY setrole) AS i ON i.setrole = r.oid
      LEFT JOIN (
        SELECT x.grantee, jsonb_agg(p.oid::regprocedure::text) AS functions
        FROM pg_proc p, aclexplode(p.proacl) AS x
        WHERE p.proacl IS NOT NULL AND x.grantee <> 0 AND x.grantee <> p.proowner
        GROUP BY x.grantee) AS f ON f.grantee = r.oid),
    'databases', (
      SELECT jsonb_object_agg(d.datname, jsonb_build_object(
        'owner', pg_get_userbyid(d.datdba),
        'encoding', pg_encoding_to_char(d.encoding),
        'lc_collate', d.datcollate,
        'lc_ctype', d.datctype,
        'tablespace', (SELECT spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace),
        -- Since PostgreSQL 15; what ICU and the built-in provider take is `datlocale` since 17.
        'locale_provider', to_jsonb(d) ->> 'datlocprovider',
        'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        -- Since PostgreSQL 16.
        'icu_rules', to_jsonb(d) ->> 'daticurules',
        'is_template', d.datistemplate,
        'allow_connections', d.datallowconn,
        'connection_limit', d.datconnlimit,
        'parameters', coalesce(s.settings, '{}'),
        'comment', shobj_description(d.oid, 'pg_database'),
        'acl', (
          SELECT coalesce(jsonb_agg(jsonb_build_object(
            'grantee', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
            'privilege', x.privilege_type)), '[]')
          FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS x)))
      FROM pg_database d
      LEFT JOIN (
        SELECT setdatabase, jsonb_object_agg(split_part(c, '=', 1),
                                             substr(c, strpos(c, '=') + 1)) AS settings
        FROM pg_db_role_setting, unnest(setconfig) AS c
        WHERE setrole = 0
        GROUP BY setdatabase) AS s ON s.setdatabase = d.oid)
  ) END)
