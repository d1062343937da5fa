// The secret that tests sign with; nothing that is printed may hold it.

export const SECRET = "test-secret-test-secret-test-secret-0000";
