/** Same as in package.json; a constant, because reading a file costs more than the rest of `--version`. */
export const version = '0.1.0'
