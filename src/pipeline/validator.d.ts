/** Made from schemas/pipeline.schema.json by scripts/compile-validator.mjs, after the types are built. */
declare function validate(data: unknown): boolean
export default validate
