// Files that vite hands over as text.
declare module "*?raw" {
  const text: string;
  export default text;
}
