// LambdaRuntimeTests
