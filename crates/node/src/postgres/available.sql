-- Extensions that the server has files for, as one document. Runs with search_path = pg_catalog.
SELECT coalesce(jsonb_object_agg(a.name, jsonb_build_object(
  'default_version', a.default_version,
  'versions', v.versions,
  'schema', v.schema)), '{}')
FROM pg_available_extensions a
JOIN (
  SELECT name, jsonb_agg(version) AS versions, max(schema) AS schema
  FROM pg_available_extension_versions
  GROUP BY name) AS v ON v.name = a.name
