// The containers: a server that answers, and workers for long jobs.

param name string
param location string
param tags object

param image string

@description('Server of the registry, and the identity that fetches from it. Empty: anybody may.')
param registryServer string
param identityId string

param subnetId string

@description('Where logs of the containers go.')
param workspaceName string

@description('What the service is set to: objects of name and value. Nothing secret.')
param settings object[]

@description('Names that the server is called by, besides the one that it is given here.')
param hosts string[]

@description('PEM text of certificates that sign files. Empty: none.')
param c2paCertificate string

param cpu string
param memory string

@minValue(1)
param minReplicas int
@minValue(1)
param maxReplicas int

@description('0: the server does the work of the workers besides.')
@minValue(0)
param workerReplicas int

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    vnetConfiguration: {
      infrastructureSubnetId: subnetId
      internal: false
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
  }
}

var ownHost = '${name}.${environment.properties.defaultDomain}'
var signed = !empty(c2paCertificate)

var common = concat(
  settings,
  [
    {
      name: 'ALLOWED_HOSTS'
      value: join(concat([ownHost], hosts), ',')
    }
    {
      name: 'DATA_DIR'
      value: '/app/data'
    }
    {
      name: 'UPLOAD_DIR'
      value: '/app/data/uploads'
    }
    {
      name: 'EMBEDDING_DIR'
      value: '/app/data/embeddings'
    }
    {
      name: 'MODELS_AUTO_PULL'
      value: 'false'
    }
  ],
  signed
    ? [
        {
          name: 'C2PA_CERTIFICATE'
          value: '/app/c2pa/certificate.pem'
        }
      ]
    : []
)

// Nothing that is kept: model files are fetched anew by every container. Uploads pass through /tmp.
var volumes = concat(
  [
    {
      name: 'data'
      storageType: 'EmptyDir'
    }
    {
      name: 'tmp'
      storageType: 'EmptyDir'
    }
  ],
  signed
    ? [
        {
          name: 'c2pa'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: 'c2pa-certificate'
              path: 'certificate.pem'
            }
          ]
        }
      ]
    : []
)
var folders = [
  {
    volumeName: 'data'
    mountPath: '/app/data'
  }
  {
    volumeName: 'tmp'
    mountPath: '/tmp'
  }
]
var mounts = concat(
  folders,
  signed
    ? [
        {
          volumeName: 'c2pa'
          mountPath: '/app/c2pa'
        }
      ]
    : []
)

// It has none of the settings, hence needs no identity: it only fetches the models.
var fetching = [
  {
    name: 'models'
    image: image
    args: ['voice-cloning', 'models', 'pull']
    resources: {
      cpu: json('0.5')
      memory: '1Gi'
    }
    volumeMounts: folders
  }
]

var registries = empty(registryServer)
  ? []
  : [
      {
        server: registryServer
        identity: identityId
      }
    ]
var secrets = signed
  ? [
      {
        name: 'c2pa-certificate'
        value: c2paCertificate
      }
    ]
  : []
var resources = {
  cpu: json(cpu)
  memory: memory
}

resource server 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: registries
      secrets: secrets
      ingress: {
        external: true
        targetPort: 8000
        transport: 'auto'
        allowInsecure: false
      }
    }
    template: {
      terminationGracePeriodSeconds: 60
      initContainers: fetching
      containers: [
        {
          name: 'api'
          image: image
          args: ['voice-cloning', 'serve']
          env: concat(common, [
            {
              name: 'HOST'
              value: '0.0.0.0'
            }
            {
              name: 'PORT'
              value: '8000'
            }
            {
              name: 'JOBS_WORKER'
              value: workerReplicas == 0 ? 'true' : 'false'
            }
            {
              name: 'SHUTDOWN_GRACE_S'
              value: '45'
            }
            {
              // X-Forwarded-For is believed of neighbours only: the ingress is one.
              name: 'FORWARDED_ALLOW_IPS'
              value: '10.0.0.0/8,100.64.0.0/10,169.254.0.0/16,172.16.0.0/12,192.168.0.0/16,fd00::/8'
            }
          ])
          resources: resources
          volumeMounts: mounts
          probes: [
            {
              // Loading the engine and the first migration take their time.
              type: 'Startup'
              httpGet: {
                path: '/health/live'
                port: 8000
              }
              periodSeconds: 15
              timeoutSeconds: 5
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/health/live'
                port: 8000
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/health/ready'
                port: 8000
              }
              periodSeconds: 5
              timeoutSeconds: 6
              failureThreshold: 2
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '8'
              }
            }
          }
        ]
      }
      volumes: volumes
    }
  }
}

resource worker 'Microsoft.App/containerApps@2025-01-01' = if (workerReplicas > 0) {
  name: '${name}-worker'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: registries
      secrets: secrets
    }
    template: {
      terminationGracePeriodSeconds: 30
      initContainers: fetching
      containers: [
        {
          name: 'worker'
          image: image
          args: ['voice-cloning', 'worker']
          env: common
          resources: resources
          volumeMounts: mounts
        }
      ]
      scale: {
        minReplicas: workerReplicas
        maxReplicas: workerReplicas
      }
      volumes: volumes
    }
  }
}

output host string = server.properties.configuration.ingress.fqdn
