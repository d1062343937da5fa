// The secret that tests sign with; no output may contain it.

export const SECRET = "test-secret-test-secret-test-secret-0000";
