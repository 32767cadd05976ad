/* What kernels, the executor and those who lay out memory for them must agree on. */
#ifndef FASTNANO_LAYOUT_H
#define FASTNANO_LAYOUT_H

#define BLOCK 16  /* samples that lie side by side */
#define WORKERS 8 /* that share a sum over the batch, each with its own copy, so that its bits are always the same */

#endif
