/** Error numbers the guest or user space gets back, negated (include/uapi/asm-generic/errno.h). */

export const EFAULT = 14;
export const EINVAL = 22;
export const ETIME = 62;
export const EOPNOTSUPP = 95;
