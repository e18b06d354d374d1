/** Style sheets are put beside the script when it is bundled. */
declare module "*.css";
