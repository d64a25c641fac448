declare module "table:states" {
  const rows: import("./tables").StateRow[];
  export default rows;
}
declare module "table:transitions" {
  const rows: import("./tables").TransitionRow[];
  export default rows;
}
declare module "table:reasons" {
  const rows: (import("./tables").NamedRow & { said_by: string })[];
  export default rows;
}
declare module "table:beds" {
  const rows: import("./tables").BedRow[];
  export default rows;
}
declare module "*.css";
